/** The typed submit of a service that gets the JobClient injected. */
import { inject, injectable } from 'inversify';
import { JobClient } from 'light-task-scheduler';
import { Orders } from './processors/orders.js';

@injectable()
export class Checkout {
  constructor(@inject(JobClient) private readonly jobs: JobClient) {}
  async pay() {
    const job = await this.jobs.submit(Orders, 'sync', { shop: '1' }, { taskId: 'cart-7', delay: '5s' });
    for await (const event of job.events()) console.log(event);
    const { synced } = await job.result({ timeout: '1m' });
    return { synced, receipt: await this.jobs.cancel(job.jobId) };
  }
}
