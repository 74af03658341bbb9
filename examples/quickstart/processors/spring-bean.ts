/** The class that runs the job: LTS's SpringBean. */
import {
  Action,
  type BizLogger,
  type JobContext,
  type JobRunner,
  LtsLoggerFactory,
  Processor,
  Result,
} from 'light-task-scheduler';

// The bean id is the name of the class, first letter lower-cased: 'springBean'.
@Processor()
export class SpringBean implements JobRunner {
  async run(jobContext: JobContext): Promise<Result> {
    try {
      const shop = jobContext.job.getParam('shop');
      // Its lines are kept under the job, where everybody can read them.
      const bizLogger: BizLogger = LtsLoggerFactory.getBizLogger();
      bizLogger.info(`SpringBean runs for shop ${shop}, attempt ${jobContext.attempt}`);
      hello(jobContext.attempt);
    } catch (error) {
      // Run again later: after 30 seconds and at most 10 times, unless the settings or the job say otherwise.
      return new Result(Action.EXECUTE_LATER, String(error));
    }
    return new Result(Action.EXECUTE_SUCCESS, 'SpringBean did its work');
  }
}

/** Stands for a service that is not there at first. */
function hello(attempt: number): void {
  if (attempt === 1) throw new Error('the shop does not answer');
}
