/** The statements of a log in a table, by kind. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get } from "../api/client";
import type { Statement, Statements } from "../api/types";
import { change, parameters } from "../app/location";
import { Failure, useAnswer } from "../common/answer";
import { Copy } from "../common/copy";
import { shownNumber } from "../common/counted";
import { Moment } from "../common/moment";
import { ownOf } from "../common/own";
import { Text } from "../common/text";
import { latest } from "./part";
import { KINDS, saidIn, sentenceOf } from "./statements";

const PAGE = 50;

/** The statements of a log; the kinds are in the address. */
export function StatementTable({ log }: { log: string }): JSX.Element {
  const chosen = (parameters.value.get("kinds") ?? "").split(",").filter((kind) => Object.hasOwn(KINDS, kind));
  const kinds = chosen.join();
  const [more, setMore] = useState<{ kinds: string; pages: readonly Statements[] }>({ kinds, pages: [] });
  const [error, setError] = useState<Error>();
  const page = (token: string, signal?: AbortSignal) =>
    get<Statements>(
      `/api/v1/logs/${encodeURIComponent(log)}/statements`,
      { kinds, page_size: PAGE, page_token: token },
      signal,
    );
  const answer = useAnswer((signal) => page("", signal), [log, kinds]);
  const first = latest(answer);
  const pages = first ? [first, ...(more.kinds === kinds ? more.pages : [])] : [];
  const next = pages.at(-1)?.nextPageToken ?? "";
  const askMore = () => {
    setError(undefined);
    page(next).then(
      (found) => setMore({ kinds, pages: [...pages.slice(1), found] }),
      (failure: Error) => setError(failure),
    );
  };
  return (
    <>
      <fieldset class="kinds">
        <legend>Kinds</legend>
        {Object.entries(KINDS).map(([kind, says]) => (
          <label key={kind} title={says}>
            <input
              type="checkbox"
              checked={chosen.includes(kind)}
              onChange={() => {
                const left = chosen.includes(kind) ? chosen.filter((each) => each !== kind) : [...chosen, kind];
                change({ kinds: left.join() });
              }}
            />
            {kind}
          </label>
        ))}
      </fieldset>
      {answer.state === "failed" && <Failure error={answer.error} />}
      {first && <Rows statements={pages.flatMap(({ statements }) => statements)} isNarrowed={chosen.length > 0} />}
      {error && <Failure error={error} />}
      {next && (
        <button type="button" onClick={askMore}>
          {PAGE} earlier statements
        </button>
      )}
    </>
  );
}

function Rows({ statements, isNarrowed }: { statements: readonly Statement[]; isNarrowed: boolean }): JSX.Element {
  if (!statements.length) return <p>There is no statement{isNarrowed ? " of these kinds" : ""}.</p>;
  return (
    <div class="scroll">
      <table class="statements">
        <thead>
          <tr>
            <th scope="col" class="number">
              number
            </th>
            <th scope="col">kind</th>
            <th scope="col">signed</th>
            <th scope="col" class="number">
              entries
            </th>
            <th scope="col">says</th>
            <th scope="col">note</th>
          </tr>
        </thead>
        <tbody>
          {statements.map((statement) => (
            <tr key={statement.number} class={statement.problem ? "with-problem" : undefined}>
              <th scope="row" class="number">
                {shownNumber(statement.number)}
              </th>
              <td>
                <Text text={statement.kind} most={100} />
              </td>
              <td>
                <Moment at={statement.signedAt} />
              </td>
              <td class="number">{shownNumber(statement.treeSize)}</td>
              <td>
                {statement.problem ? (
                  <strong class="bad">
                    <span aria-hidden="true">✘ </span>not valid: <Text text={statement.problem} />
                  </strong>
                ) : (
                  <Text text={saysText(statement)} />
                )}
              </td>
              <td>
                <Copy text={statement.note} label="copy note" />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function saysText(statement: Statement): string {
  const said = saidIn(statement.note);
  return (said && sentenceOf(said)) || ownOf(KINDS, statement.kind) || "";
}
