/** The entry under the cursor, and whether its panel is open; the address has the entry of an open panel. */
import { useEffect, useRef, useState } from "preact/hooks";
import { change, parameters } from "../app/location";

export interface Selection {
  /** Identity of the row under the cursor; empty for none. */
  id: string;
  /** True if the panel shows it. */
  isOpen: boolean;
  /** Move the cursor; an open panel follows. */
  move: (id: string) => void;
  open: (id: string) => void;
  close: () => void;
}

/** Milliseconds without a move, after which the address follows: browsers limit how often it may change. */
const CALM = 200;

export function useSelection(): Selection {
  const param = parameters.value.get("entry") ?? "";
  const [state, setState] = useState({ id: param, isOpen: param !== "" });
  const written = useRef(param);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const write = (id: string, replace: boolean) => {
    clearTimeout(timer.current);
    written.current = id;
    change({ entry: id }, { replace });
  };
  useEffect(() => {
    if (param === written.current) return;
    // The browser went back or forward.
    clearTimeout(timer.current);
    written.current = param;
    setState((now) => ({ id: param || now.id, isOpen: param !== "" }));
  }, [param]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return {
    ...state,
    move: (id) => {
      setState((now) => ({ ...now, id }));
      if (!state.isOpen) return;
      clearTimeout(timer.current);
      timer.current = setTimeout(() => write(id, true), CALM);
    },
    open: (id) => {
      setState({ id, isOpen: true });
      write(id, state.isOpen);
    },
    close: () => {
      setState((now) => ({ ...now, isOpen: false }));
      write("", true);
    },
  };
}
