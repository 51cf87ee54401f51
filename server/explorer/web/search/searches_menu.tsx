/** Searches to begin with: those that auditors ask for again and again, and those that the reader saved. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { parameters, withParameters } from "../app/location";
import { hasRole } from "../app/session";
import { Menu } from "../common/menu";
import { Text } from "../common/text";
import { keepSearches, type SavedSearch, savedSearches, withSaved } from "./saved";

const PRESETS: readonly [name: string, query: string][] = [
  ["Failed logins", "category:auth outcome:failure"],
  ["Changes of roles and permissions", "action:(role.* OR permission.* OR *grant* OR *revoke*)"],
  ["Everything by administrators", "category:admin"],
  ["Deletions", "action:(*delete* OR *remove*)"],
  ["On behalf of others", "effective_actor:*"],
  ["Denied or failed", "outcome:failure"],
  ["Not verified", "-evidence:verified"],
  ["Findings of self-verification", "event:lognotary.verification.finding sender:server"],
  ["Who looked", "scope:lognotary.access sender:server"],
];

export function SearchesMenu(): JSX.Element {
  return (
    <Menu label="Searches" name="Searches">
      {(close) => (
        <>
          {hasRole("auditor") && <Presets onChoose={close} />}
          <Saved onChoose={close} />
        </>
      )}
    </Menu>
  );
}

function Presets({ onChoose }: { onChoose: () => void }): JSX.Element {
  const href = (q: string) => withParameters({ q, streams: "audit", open: undefined, near: undefined });
  return (
    <section class="searches">
      <h2>Audit events</h2>
      <ul>
        {PRESETS.map(([name, query]) => (
          <li key={name}>
            <a href={href(query)} title={query} onClick={onChoose}>
              {name}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Saved({ onChoose }: { onChoose: () => void }): JSX.Element {
  const [saved, setSaved] = useState(savedSearches);
  const [name, setName] = useState("");
  const [problem, setProblem] = useState("");
  const keep = (searches: readonly SavedSearch[]) => {
    setSaved([...searches]);
    setProblem(keepSearches(searches) ? "" : "This browser does not keep data of this page: copy the address instead.");
  };
  const save = (event: Event) => {
    event.preventDefault();
    keep(withSaved(saved, name, parameters.peek()));
    setName("");
  };
  return (
    <section class="searches">
      <h2>Saved in this browser</h2>
      {saved.length === 0 && <p class="quiet">none yet</p>}
      <ul>
        {saved.map((search) => (
          <li key={search.name}>
            <a href={`/?${search.parameters}`} onClick={onChoose}>
              <Text text={search.name} most={100} />
            </a>{" "}
            <button type="button" class="copy" onClick={() => keep(saved.filter((other) => other !== search))}>
              remove
              <span class="read-out">
                {" "}
                <Text text={search.name} most={100} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      <form onSubmit={save}>
        <label>
          Name <input value={name} maxLength={100} required onInput={(event) => setName(event.currentTarget.value)} />
        </label>{" "}
        <button type="submit">Save this search</button>
      </form>
      {problem && <p role="alert">{problem}</p>}
    </section>
  );
}
