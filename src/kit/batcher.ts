/**
 * Group commit in a dozen lines: items that arrive while one batch is in flight form the next batch.
 * No timer and no size to tune: an idle batcher sends the first item at once, a busy one sends large batches.
 */
import { LtsError } from '../errors.js';
import { Deferred } from './deferred.js';

export interface BatcherOptions<Item, Answer> {
  /** Names the queue in errors. */
  readonly name: string;
  /** Sends one batch; answers in the order of the items, or not at all. A rejection settles the items of this batch only. */
  readonly send: (items: Item[]) => Promise<readonly Answer[] | undefined>;
  /** Most items in one batch. */
  readonly batchItemsMax: number;
  /** Most items waiting; beyond it `add` rejects with LTS_BUSY. */
  readonly queuedItemsMax: number;
  /** A batch also closes at this sum of `sizeOf`. */
  readonly batchSizeMax?: number;
  readonly sizeOf?: (item: Item) => number;
  /** Batches that may be in flight together. Default 1. */
  readonly flightsMax?: number;
  /** Resolves when the current turn of the event loop has run dry, so that one turn's items share a batch. */
  readonly endOfTurn: () => Promise<void>;
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly answer: Deferred<Answer>;
}

export class Batcher<Item, Answer> {
  private queued: Waiting<Item, Answer>[] = [];
  private flights = 0;
  private isScheduled = false;

  constructor(private readonly options: BatcherOptions<Item, Answer>) {}

  /** Something is queued or in flight. */
  get isBusy(): boolean {
    return this.queued.length > 0 || this.flights > 0;
  }

  /** Queues one item; settles with its own answer. Rejects with LTS_BUSY when the queue is full. */
  add(item: Item): Promise<Answer> {
    if (this.queued.length >= this.options.queuedItemsMax) {
      const text = `${this.options.name}: ${this.queued.length} items are waiting, which is the bound. Try again in a second.`;
      return Promise.reject(new LtsError('LTS_BUSY', text));
    }
    const waiting = { item, answer: new Deferred<Answer>() };
    this.queued.push(waiting);
    this.schedule();
    return waiting.answer.promise;
  }

  private schedule(): void {
    if (this.isScheduled || this.queued.length === 0 || this.flights >= (this.options.flightsMax ?? 1)) return;
    this.isScheduled = true;
    void this.options.endOfTurn().then(() => {
      this.isScheduled = false;
      void this.sendBatch();
    });
  }

  private async sendBatch(): Promise<void> {
    const batch = this.takeBatch();
    if (batch.length === 0) return;
    this.flights++;
    this.schedule();
    try {
      const answers = await this.options.send(batch.map((waiting) => waiting.item));
      batch.forEach((waiting, i) => waiting.answer.resolve(answers?.[i] as Answer));
    } catch (error) {
      for (const waiting of batch) waiting.answer.reject(error);
    } finally {
      this.flights--;
      this.schedule();
    }
  }

  private takeBatch(): Waiting<Item, Answer>[] {
    const { batchItemsMax, batchSizeMax = Number.POSITIVE_INFINITY, sizeOf } = this.options;
    let count = 0;
    let size = 0;
    for (const { item } of this.queued) {
      size += sizeOf?.(item) ?? 0;
      if (count >= batchItemsMax || (count > 0 && size > batchSizeMax)) break;
      count++;
    }
    return this.queued.splice(0, count);
  }
}
