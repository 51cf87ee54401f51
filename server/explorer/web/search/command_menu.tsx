/** The same search on the command line, and the one that proves that its answer is complete. */
import type { JSX } from "preact";
import { Command } from "../common/copy";
import { Menu } from "../common/menu";
import { completeCommands, searchCommands } from "./commands";
import type { Search } from "./query";

export function CommandMenu({ search }: { search: Search }): JSX.Element {
  return (
    <Menu label="Command line" name="This search on the command line">
      {() => (
        <>
          <p>The same search:</p>
          {searchCommands(search).map((command) => (
            <Command key={command} text={command} />
          ))}
          <p>A complete answer, which proves that no record is left out, not even one that the storage hides:</p>
          {completeCommands(search).map((command) => (
            <Command key={command} text={command} />
          ))}
        </>
      )}
    </Menu>
  );
}
