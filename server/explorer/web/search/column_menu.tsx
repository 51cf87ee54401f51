/** The choice of columns: those that are offered, and any field or attribute by its name. */
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { Menu } from "../common/menu";
import { Text } from "../common/text";
import { OFFERED } from "./columns";
import { DEFAULT_COLUMNS } from "./query";

interface ColumnMenuProps {
  columns: readonly string[];
  onChange: (columns: readonly string[]) => void;
}

export function ColumnMenu({ columns, onChange }: ColumnMenuProps): JSX.Element {
  return (
    <Menu label="Columns" name="Columns">
      {() => <ColumnForm {...{ columns, onChange }} />}
    </Menu>
  );
}

function ColumnForm({ columns, onChange }: ColumnMenuProps): JSX.Element {
  const [name, setName] = useState("");
  const id = useId();
  const others = OFFERED.filter((column) => !columns.includes(column));
  const add = (event: Event) => {
    event.preventDefault();
    const column = name.trim();
    if (column && !column.includes(",") && !columns.includes(column)) onChange([...columns, column]);
    setName("");
  };
  const move = (at: number, step: number) => {
    const next = [...columns];
    const [moved] = next.splice(at, 1);
    if (moved !== undefined) next.splice(at + step, 0, moved);
    onChange(next);
  };
  return (
    <div class="column-form">
      <ol>
        {columns.map((column, at) => (
          <li key={column}>
            <span class="column-name">
              <Text text={column} most={80} />
            </span>
            <button type="button" disabled={at === 0} onClick={() => move(at, -1)}>
              <span aria-hidden="true">↑</span>
              <span class="read-out">
                <Text text={column} most={80} /> further left
              </span>
            </button>
            <button type="button" disabled={at === columns.length - 1} onClick={() => move(at, 1)}>
              <span aria-hidden="true">↓</span>
              <span class="read-out">
                <Text text={column} most={80} /> further right
              </span>
            </button>
            <button
              type="button"
              disabled={columns.length === 1}
              onClick={() => onChange(columns.filter((other) => other !== column))}
            >
              <span aria-hidden="true">×</span>
              <span class="read-out">
                remove <Text text={column} most={80} />
              </span>
            </button>
          </li>
        ))}
      </ol>
      <form onSubmit={add}>
        <label for={`${id}-name`}>Field or attribute</label>
        <input
          id={`${id}-name`}
          class="mono"
          value={name}
          placeholder="http.method"
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <button type="submit">Add</button>
      </form>
      <p class="offered">
        {others.map((column) => (
          <button key={column} type="button" onClick={() => onChange([...columns, column])}>
            + {column}
          </button>
        ))}
      </p>
      <button type="button" onClick={() => onChange(DEFAULT_COLUMNS)}>
        Default columns
      </button>
    </div>
  );
}
