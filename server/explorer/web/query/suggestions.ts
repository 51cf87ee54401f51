/** The server's knowledge for completion: names of fields, and values that records have. */
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api/client";
import type { Facets, FieldNames } from "../api/types";
import { ownOf } from "../common/own";
import { type Context, fieldSuggestions, type Names, type Suggestion, valueSuggestions, WORDS } from "./completion";

const PATIENCE = 150; // milliseconds without another key before the server is asked

/** Suggestions for the part of a query that is being written; undefined asks for nothing. */
export function useSuggestions(
  context: Context | undefined,
  streams: readonly string[],
  since?: string,
  until?: string,
): Suggestion[] {
  const [names, setNames] = useState<Names>({ fields: [], attributes: [] });
  const [values, setValues] = useState<{ asked: string; found: { value: string; count: string }[] }>();
  const isWanted = context !== undefined;
  const scope = streams.join();
  const known = useRef("");
  useEffect(() => {
    // Not each time that the line is entered: every question is a record of who looked.
    const wanted = JSON.stringify([scope, since, until]);
    if (!isWanted || known.current === wanted) return;
    const controller = new AbortController();
    const fields = { streams, since, until, limit: 300 };
    get<FieldNames>("/api/v1/field-names", fields, controller.signal).then(
      (answer) => {
        known.current = wanted;
        setNames(answer);
      },
      () => undefined, // the query can be written without completion
    );
    return () => controller.abort();
  }, [isWanted, scope, since, until]);

  const field = context?.kind === "value" ? context.field : "";
  const prefix = context?.kind === "value" ? context.prefix : "";
  const asked = JSON.stringify([field, prefix, scope]);
  useEffect(() => {
    if (
      !field ||
      ownOf(WORDS, field.toLowerCase()) ||
      /^(body|timestamp|received|leaf|duration|evidence)$/i.test(field)
    )
      return;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      const fields = { fields: [field], prefix, streams, since, until, limit: 12 };
      get<Facets>("/api/v1/facets", fields, controller.signal).then(
        (answer) => setValues({ asked, found: answer.facets[0]?.values ?? [] }),
        () => undefined,
      );
    }, PATIENCE);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [asked, since, until]);

  if (!context || context.kind === "nothing") return [];
  if (context.kind === "field") return fieldSuggestions(names, context.prefix, context.afterTerm);
  // Values of a shorter beginning stay until the answer is there, so that the list does not flicker.
  return valueSuggestions(context.field, context.prefix, values && sameField(values.asked, asked) ? values.found : []);
}

function sameField(one: string, other: string): boolean {
  return JSON.parse(one)[0] === JSON.parse(other)[0];
}
