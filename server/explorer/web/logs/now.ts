/** The time, for ages on a page. */
import { useEffect, useState } from "preact/hooks";

// Each step asks again, and the server records each question: somebody may leave the page open for days.
const STEP = 60_000; // ms

/** Nanoseconds since 1970, again every minute while the page is seen; with a function that moves it on at once. */
export function useNow(): { now: bigint; refresh: () => void } {
  const [now, setNow] = useState(current);
  const refresh = () => setNow(current());
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) refresh();
    }, STEP);
    return () => clearInterval(timer);
  }, []);
  return { now, refresh };
}

const current = (): bigint => BigInt(Date.now()) * 1_000_000n;
