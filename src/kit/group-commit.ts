/**
 * Group commit: operations that arrive while one transaction is in flight run, in order, in the next one.
 * An operation is settled only after the commit that holds its writes is durable.
 */
import { LtsError } from '../errors.js';
import { Deferred } from './deferred.js';

/** What lives in memory beside the tables and must agree with them after every commit and after none. */
export interface Participant {
  /** Called inside the transaction after its operations: writes what was staged (counters, one put for many changes). */
  flush(): void;
  /** Called after a transaction was abandoned: forget everything and read it from the tables again. */
  reload(): void;
}

export interface GroupCommitOptions {
  /** Runs `body` in one transaction; resolves when it is durable, rejects when it was abandoned. */
  readonly transact: (body: () => void) => Promise<void>;
  /** Writes so far; tells whether an operation that threw had written anything. */
  readonly writes: () => number;
  /** Most operations waiting; beyond it `add` rejects with LTS_BUSY. */
  readonly queuedOperationsMax: number;
  /** A transaction takes no further operation after this many writes. */
  readonly writesPerCommitMax: number;
  /** Called once: a commit failed in a way that leaves its outcome unknown. */
  readonly onFatal: (error: LtsError) => void;
}

interface Operation {
  readonly run: () => unknown;
  readonly answer: Deferred<unknown>;
  value?: unknown;
  error?: unknown;
}

export class GroupCommit {
  private queued: Operation[] = [];
  private readonly participants = new Set<Participant>();
  private working: Promise<void> | undefined;
  private failure: LtsError | undefined;

  constructor(private readonly options: GroupCommitOptions) {}

  /** Answers the function by which it leaves again. */
  join(participant: Participant): () => void {
    this.participants.add(participant);
    return () => {
      this.participants.delete(participant);
    };
  }

  /** Resolves when everything queued is settled. */
  async settled(): Promise<void> {
    await this.working;
  }

  /**
   * Queues an operation. What it throws before its first write rejects only itself; an error after that abandons the whole
   * transaction and rejects all its operations with LTS_STORE_FAILED.
   */
  add<T>(run: () => T): Promise<T> {
    if (this.failure) return Promise.reject(this.failure);
    if (this.queued.length >= this.options.queuedOperationsMax) return Promise.reject(busy(this.queued.length));
    const answer = new Deferred<unknown>();
    this.queued.push({ run, answer });
    this.working ??= this.commitAll();
    return answer.promise as Promise<T>;
  }

  /** Refuses further operations and resolves when those already queued are settled. */
  async close(reason: LtsError): Promise<void> {
    this.failure ??= reason;
    await this.working;
  }

  private async commitAll(): Promise<void> {
    while (this.queued.length > 0) await this.commitOnce();
    this.working = undefined;
  }

  private async commitOnce(): Promise<void> {
    const batch: Operation[] = [];
    try {
      await this.options.transact(() => this.runQueued(batch));
    } catch (error) {
      this.abandon(batch, error);
      return;
    }
    for (const { answer, error, value } of batch) {
      if (error === undefined) answer.resolve(value);
      else answer.reject(error);
    }
  }

  private runQueued(batch: Operation[]): void {
    const start = this.options.writes();
    let taken = 0;
    while (taken < this.queued.length && this.options.writes() - start < this.options.writesPerCommitMax) {
      const operation = this.queued[taken++] as Operation;
      batch.push(operation);
      this.runOne(operation);
    }
    this.queued.splice(0, taken);
    for (const participant of this.participants) participant.flush();
  }

  private runOne(operation: Operation): void {
    const start = this.options.writes();
    try {
      operation.value = operation.run();
    } catch (error) {
      if (this.options.writes() !== start) throw error;
      operation.error = LtsError.is(error) ? error : storeFailed(error);
    }
  }

  private abandon(batch: Operation[], cause: unknown): void {
    // The operation that threw is in the batch and still queued; those behind it run in the next transaction.
    const abandoned = new Set(batch);
    this.queued = this.queued.filter((operation) => !abandoned.has(operation));
    const isUnknown = cause instanceof CommitError && !cause.isRefused;
    const error = isUnknown ? outcomeUnknown(cause) : storeFailed(cause);
    // Without a batch the transaction did not even begin, so the next one would not either.
    if (isUnknown || batch.length === 0) this.fail(error, batch);
    else for (const participant of this.participants) participant.reload();
    for (const operation of batch) operation.answer.reject(operation.error ?? error);
  }

  private fail(error: LtsError, batch: Operation[]): void {
    this.failure = error;
    batch.push(...this.queued.splice(0));
    this.options.onFatal(error);
  }
}

/** A transaction whose operations all ran, but whose commit failed. */
export class CommitError extends Error {
  constructor(
    message: string,
    /** True when the store certainly kept nothing of it, for example because the disk is full. */
    readonly isRefused: boolean,
    cause: unknown,
  ) {
    super(message, { cause });
  }
}

function storeFailed(error: unknown): LtsError {
  const text = error instanceof Error ? error.message : String(error);
  return new LtsError(
    'LTS_STORE_FAILED',
    `The store kept nothing of the operation: ${text}. Try again; if it stays, check disk space and run the doctor.`,
    { cause: error },
  );
}

function outcomeUnknown(cause: CommitError): LtsError {
  const text = `A commit of the store failed (${cause.message}); whether it was kept is unknown. Check free space and health of the disk, then start the process again.`;
  return new LtsError('LTS_STORE_FAILED', text, { cause });
}

function busy(waiting: number): LtsError {
  const text = `store: ${waiting} operations are waiting, which is the bound. Try again in a second.`;
  return new LtsError('LTS_BUSY', text);
}
