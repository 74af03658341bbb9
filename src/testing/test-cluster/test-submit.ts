/** The forms in which a test cluster takes a job: those of JobClient's typed submit, and a plain Job. */
import type {
  HandlerName,
  HandlerParams,
  HandlerValue,
  ParamsThen,
  RunClass,
  RunParams,
  TypedSubmitOptions,
} from '../../boot/submitting/submit-types.js';
import type { Class, JobContract } from '../../job/contract.js';
import type { Job } from '../../job/job.js';
import type { Received } from '../../job/plain-data.js';
import type { TestJob } from './test-job.js';

export interface TestSubmit {
  <T, Method extends HandlerName<T>>(
    type: Class<T>,
    method: Method,
    ...rest: ParamsThen<HandlerParams<T, Method>, TypedSubmitOptions>
  ): Promise<TestJob<HandlerValue<T, Method>>>;
  <T extends RunClass>(
    type: Class<T>,
    ...rest: ParamsThen<RunParams<T>, TypedSubmitOptions>
  ): Promise<TestJob<HandlerValue<T, 'run'>>>;
  <Input, Params, Value>(
    contract: JobContract<Input, Params, Value>,
    ...rest: ParamsThen<NoInfer<Input>, TypedSubmitOptions>
  ): Promise<TestJob<Received<Value>>>;
  (job: Job): Promise<TestJob>;
}
