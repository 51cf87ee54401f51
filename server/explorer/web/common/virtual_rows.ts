/** Long lists: only the rows that are in view, and a few around them, are in the page. */
import { useLayoutEffect, useState } from "preact/hooks";

/** Rows [first, end) to render, and the space that the others take, in pixels. */
interface Window {
  first: number;
  end: number;
  above: number;
  below: number;
}

/** The rows in view of a list whose rows are all of one height; pure. */
function windowOf(count: number, height: number, scrolled: number, seen: number, around = 20): Window {
  const first = Math.min(Math.max(Math.floor(scrolled / height) - around, 0), count);
  const end = Math.max(Math.min(Math.ceil((scrolled + seen) / height) + around, count), first);
  return { first, end, above: first * height, below: (count - end) * height };
}

/**
 * The rows of a list to render, while its container or the page scrolls.
 *
 * @param count number of rows
 * @param height height of each row, in pixels
 * @param container element that the rows scroll in
 */
export function useVirtualRows(count: number, height: number, container: { current: HTMLElement | null }): Window {
  const [view, setView] = useState({ scrolled: 0, seen: 1000 });
  useLayoutEffect(() => {
    const element = container.current;
    if (!element) return;
    let frame = 0;
    const measure = () => {
      frame = 0;
      setView((before) => {
        const now = { scrolled: element.scrollTop, seen: element.clientHeight };
        return now.scrolled === before.scrolled && now.seen === before.seen ? before : now;
      });
    };
    const later = () => {
      frame ||= requestAnimationFrame(measure);
    };
    measure();
    element.addEventListener("scroll", later, { passive: true });
    const sizes = new ResizeObserver(later);
    sizes.observe(element);
    return () => {
      cancelAnimationFrame(frame);
      element.removeEventListener("scroll", later);
      sizes.disconnect();
    };
  }, [container.current]);
  return windowOf(count, height, view.scrolled, view.seen);
}
