/** Tenants: what each has stored, and what it sent. */
import type { JSX } from "preact";
import type { Tenant, Tenants } from "../api/types";
import { counted, shownNumber } from "../common/counted";
import { Moment } from "../common/moment";
import { Text } from "../common/text";

/** The usage of each tenant. */
export function TenantTable({ answer }: { answer: Tenants }): JSX.Element {
  return (
    <>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">tenant</th>
              <th scope="col" class="number">
                logs
              </th>
              <th scope="col" class="number">
                entries
              </th>
              <th scope="col">stored</th>
              <th scope="col" class="number">
                on disk, about
              </th>
              <th scope="col">
                taken since <Moment at={answer.countedSince} />
              </th>
            </tr>
          </thead>
          <tbody>
            {answer.tenants.map((tenant) => (
              <tr key={tenant.name}>
                <th scope="row">
                  <TenantName name={tenant.name} />
                </th>
                <td class="number">{shownNumber(tenant.logs)}</td>
                <td class="number">{shownNumber(tenant.entries)}</td>
                <td>
                  {tenant.stored.map(({ stream, records }) => `${stream} ${shownNumber(records)}`).join(", ") ||
                    "nothing"}
                </td>
                <td class="number">{bytesOnDisk(tenant)}</td>
                <td>
                  {counted(tenant.takenRecords, "record")}, {shownBytes(Number(tenant.takenBytes))}
                  {Number(tenant.refusedRequests) > 0 && (
                    <strong class="bad">, {counted(tenant.refusedRequests, "request")} refused by limits</strong>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {answer.nextPageToken && <p class="quiet">There are more tenants: lognotary tenants list shows all.</p>}
    </>
  );
}

function TenantName({ name }: { name: string }): JSX.Element {
  if (name === "") return <span class="quiet">the default tenant</span>;
  if (name === "*") return <span class="quiet">the whole server: who looked</span>;
  return <Text text={name} most={200} />;
}

function bytesOnDisk({ stored }: Tenant): string {
  const known = stored.flatMap(({ estimatedBytes }) => (estimatedBytes === undefined ? [] : [Number(estimatedBytes)]));
  return known.length ? shownBytes(known.reduce((sum, each) => sum + each, 0)) : "";
}

/** A number of bytes with three digits: 999 B, 1.5 kB, 20.1 MB. */
function shownBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const exponent = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** exponent).toPrecision(3))} ${["", "kB", "MB", "GB", "TB"][exponent]}`;
}
