/** A service class becomes a processor: the contract's first block. */
import { inject } from 'inversify';
import { Action, type JobContext, type JobRunner, Processor, Result } from 'light-task-scheduler';
import { OrderService } from '../order-service.js';

@Processor()
export class SpringBean implements JobRunner {
  constructor(@inject(OrderService) private readonly orders: OrderService) {}

  async run(context: JobContext): Promise<Result> {
    const shop = context.job.getParam('shop');
    context.bizLogger.info('a line that the console shows under this job');
    try {
      await this.orders.sync(shop, { signal: context.signal });
    } catch (error) {
      return new Result(Action.EXECUTE_LATER, String(error));
    }
    return Result.success('done');
  }
}
