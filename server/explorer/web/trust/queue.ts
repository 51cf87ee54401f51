/** Work for when the browser has nothing else to do: the latest first, since that is what the reader looks at. */

/** Runs tasks, a few at a time. */
export class IdleQueue {
  private readonly waiting: (() => Promise<void>)[] = [];
  private running = 0;
  private isAsked = false;

  /**
   * @param most tasks that run at a time
   * @param later calls a function when there is time for it
   */
  constructor(
    private readonly most: number,
    private readonly later: (work: () => void) => void = whenIdle,
  ) {}

  /** Run a task in time. It has to handle its own errors. */
  add(task: () => Promise<void>): void {
    this.waiting.push(task);
    this.ask();
  }

  private ask(): void {
    if (this.isAsked || this.running >= this.most || !this.waiting.length) return;
    this.isAsked = true;
    this.later(() => {
      this.isAsked = false;
      while (this.running < this.most) {
        const task = this.waiting.pop();
        if (!task) return;
        this.running += 1;
        void task().finally(() => {
          this.running -= 1;
          this.ask();
        });
      }
    });
  }
}

/** Call when the browser is idle, within half a second. */
export function whenIdle(work: () => void): void {
  if (typeof requestIdleCallback === "function") requestIdleCallback(work, { timeout: 500 });
  else setTimeout(work, 1); // Safari
}
