/** The time, for ages on a page. */
import { useEffect, useState } from "preact/hooks";
import { serverNow } from "../api/clock";

// Each step asks again, and the server records each question: somebody may leave the page open for days.
const STEP = 60_000; // ms

/**
 * Nanoseconds since 1970 by the server's clock, again every minute while the page is seen; with a function that moves
 * it on at once.
 */
export function useNow(): { now: bigint; refresh: () => void } {
  const [now, setNow] = useState(serverNow);
  const refresh = () => setNow(serverNow());
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) refresh();
    }, STEP);
    return () => clearInterval(timer);
  }, []);
  return { now, refresh };
}
