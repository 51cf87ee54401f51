/** The checkpoints that this browser keeps, and the comparison with one that the reader kept. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { logPath } from "../app/routes";
import { hasRole } from "../app/session";
import { Failure, Notice, useAnswer } from "../common/answer";
import { counted, shownNumber } from "../common/counted";
import { Moment, ZoneName } from "../common/moment";
import { checkpointFile, saveFile } from "../common/saving";
import { Text } from "../common/text";
import { nanosOf } from "../common/time";
import { parseCheckpoint } from "../proof/checkpoint";
import { VerificationError } from "../proof/errors";
import { compareWithFile, watchLogs } from "./checkpoints";
import { comparedText, ownOf } from "./compared";
import { FileInput } from "./file_input";
import { keptCheckpoints } from "./kept";
import { readerNow } from "./reader";
import { lastLook } from "./state";
import type { KeptCheckpoint } from "./witness";

export function CheckpointsSection(): JSX.Element {
  const look = lastLook.value;
  const answer = useAnswer(() => keptCheckpoints(), [look]);
  const all = answer.state === "there" ? answer.value : answer.state === "waiting" ? (answer.before ?? []) : [];
  const isAuditor = hasRole("auditor");
  const { own: kept, others } = ownOf(isAuditor ? all : [], readerNow());
  return (
    <section id="checkpoints" aria-labelledby="checkpoints-title">
      <h2 id="checkpoints-title">Checkpoints that this browser keeps</h2>
      <p>
        Every auditor is a witness: this browser keeps the last checkpoint that it saw of every log. At each visit,
        every few minutes, and for the checkpoint of each record, it demands a proof that the log has only grown. A
        proof that is wrong is a finding; one that is refused is reported on every page.
      </p>
      {answer.state === "failed" && <Failure error={answer.error} />}
      {!isAuditor && (
        <Notice kind="note">
          Only auditors may list logs, and the server says that you are not an auditor: nothing is compared or kept.
        </Notice>
      )}
      {kept.length > 0 && <Kept kept={kept} />}
      {others > 0 && <p>It also keeps {counted(others, "checkpoint")} that another reader saw here.</p>}
      {[...(look?.problems ?? [])]
        .filter(([origin]) => !kept.some((each) => each.origin === origin))
        .map(([origin, problem]) => (
          <Notice key={origin} kind="warning">
            <Text text={problem} />
          </Notice>
        ))}
      <p>
        <button type="button" disabled={!hasRole("auditor")} onClick={() => void watchLogs()}>
          Compare now
        </button>{" "}
        <span class="quiet">
          {look?.at && (
            <>
              Last compared at <Minute at={look.at} />.
            </>
          )}
        </span>
      </p>
      <Compare />
    </section>
  );
}

/** A time to the minute, with its zone. */
const Minute = ({ at }: { at: string }): JSX.Element => (
  <>
    <Moment at={at} isShort /> <ZoneName at={nanosOf(at)} />
  </>
);

function Kept({ kept }: { kept: readonly KeptCheckpoint[] }): JSX.Element {
  const look = lastLook.value;
  const rows = kept.toSorted((one, other) => one.origin.localeCompare(other.origin));
  return (
    <div class="trust-scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Log</th>
            <th scope="col">Entries</th>
            <th scope="col">First seen</th>
            <th scope="col">Last seen</th>
            <th scope="col">Compared</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((each) => {
            const { logId, origin, note, since, at } = each;
            const { size } = parseCheckpoint(note, "a kept checkpoint");
            return (
              <tr key={logId}>
                <th scope="row">
                  <a href={logPath(logId)}>
                    <Text text={origin} />
                  </a>
                </th>
                <td>{shownNumber(size)}</td>
                <td>{since.slice(0, 10)}</td>
                <td>
                  <Minute at={at} />
                </td>
                <td>
                  <Text text={comparedText(each, look)} />
                </td>
                <td>
                  <button type="button" onClick={() => saveFile(checkpointFile(logId, size), note)}>
                    Save
                  </button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Compare(): JSX.Element {
  const [said, setSaid] = useState<{ kind: "note" | "error"; text: string }>();
  const compare = async (file: File) => {
    try {
      setSaid({ kind: "note", text: await compareWithFile(await file.text()) });
    } catch (error) {
      if (!(error instanceof VerificationError || error instanceof ApiError)) throw error;
      const kind = error instanceof VerificationError ? `${error.code}: ` : "";
      setSaid({ kind: "error", text: kind + error.message });
    }
  };
  return (
    <div class="panel">
      <h3>Compare with mine</h3>
      <FileInput
        label="A checkpoint that you, a colleague or a witness kept, as a file: the server has to prove that its log continues it."
        disabled={!hasRole("auditor")}
        onFile={(file) => void compare(file)}
      />
      <div role="status">{said && <Notice kind={said.kind}>{said.text}</Notice>}</div>
    </div>
  );
}
