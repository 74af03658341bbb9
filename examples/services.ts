/**
 * Services: processors are built by an inversify container, with services of one's own, the JobClient and the Clock. Run it with:
 *
 *   npx tsx examples/services.ts
 */
import { Container, inject, injectable } from 'inversify';
import {
  Clock,
  EnableJobClient,
  EnableJobTracker,
  EnableTaskTracker,
  JobClient,
  type JobContext,
  LtsApplication,
  LtsLoggerFactory,
  Processor,
  RunInterceptor,
} from 'light-task-scheduler';

@injectable()
class Orders {
  private readonly logger = LtsLoggerFactory.getBizLogger();

  async sync(shop: string): Promise<number> {
    // No context was handed down to here; the line still lands under the job that is running.
    this.logger.info(`asks shop ${shop}`);
    return 12;
  }
}

@Processor()
class SyncShop {
  constructor(
    @inject(Orders) private readonly orders: Orders,
    @inject(JobClient) private readonly jobs: JobClient,
  ) {}

  async run({ job }: JobContext<{ shop: string }>) {
    const synced = await this.orders.sync(job.params.shop);
    // A job may submit further jobs. The taskId makes a retry of this run harmless: the second submit is a duplicate.
    const notice = await this.jobs.submit(Notify, { text: `${synced} orders` }, { taskId: `notice:${job.jobId}` });
    return { synced, noticeId: notice.jobId };
  }
}

// scope 'job': a fresh instance for each run, for processors that keep something in fields while they work.
@Processor({ scope: 'job' })
class Notify {
  private sent = 0;

  run({ job }: JobContext<{ text: string }>) {
    this.sent++;
    return `${job.params.text}, ${this.sent} of this instance`;
  }
}

// Wraps every run: for tracing, tenants, transactions. The first one listed is the outermost.
@RunInterceptor()
class Timing implements RunInterceptor {
  constructor(@inject(Clock) private readonly clock: Clock) {}

  async intercept({ job, bizLogger }: JobContext, next: () => Promise<unknown>): Promise<unknown> {
    const beganAt = this.clock.monoMs();
    try {
      return await next();
    } finally {
      bizLogger.info(`job ${job.jobId} took ${Math.round(this.clock.monoMs() - beganAt)} ms`);
    }
  }
}

@EnableJobTracker()
@EnableTaskTracker()
@EnableJobClient()
class Application {}

// Without a container the application makes one that builds every class it is asked for. This one is the user's own.
const container = new Container();
container.bind(Orders).toSelf().inSingletonScope();

await using app = await LtsApplication.run(Application, {
  container,
  processors: [SyncShop, Notify, Timing],
  settings: { 'lts.jobtracker.configs.job.queue': 'memory', 'lts.log.level': 'warn' },
});

const job = await app.jobClient.submit(SyncShop, { shop: '1' });
const { synced, noticeId } = await job.result();
console.log('synced', synced);
console.log('notice', await app.jobClient.result(noticeId));
for (const { level, text } of (await job.log()).lines) console.log('log', level, text);
