/** One request on its way: settled once, by its answer, its deadline, its signal or its node. */
import { type ErrorCode, LtsError } from '../../errors.js';
import { Deferred } from '../../kit/deferred.js';
import type { RequestOptions } from '../../ports/transport.js';

export class PendingRequest {
  private readonly answered = new Deferred<unknown>();
  private readonly onAbort = () =>
    this.fail('LTS_ABORTED', 'was given up by its AbortSignal; it may have been handled');

  constructor(
    readonly subject: string,
    readonly bytes: number,
    private readonly options: RequestOptions,
    private readonly forget: () => void,
  ) {
    options.signal?.addEventListener('abort', this.onAbort);
  }

  get answer(): Promise<unknown> {
    return this.answered.promise;
  }

  get deadlineMs(): number {
    return this.options.deadlineMs;
  }

  settle(value: unknown): void {
    this.release();
    this.answered.resolve(value);
  }

  refuse(error: LtsError): void {
    this.release();
    this.answered.reject(error);
  }

  fail(code: ErrorCode, what: string): void {
    this.refuse(requestError(code, this.subject, what));
  }

  expire(): void {
    this.fail('LTS_TIMEOUT', `got no answer within ${this.options.deadlineMs} ms; it may have been handled`);
  }

  private release(): void {
    this.options.signal?.removeEventListener('abort', this.onAbort);
    this.forget();
  }
}

export function requestError(code: ErrorCode, subject: string, what: string): LtsError {
  return new LtsError(code, `The request to ${subject} ${what}.`);
}
