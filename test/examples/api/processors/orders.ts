/** Typed params and a method handler. */
import { IsInt, IsOptional, IsString, Min } from 'class-validator';
import { type JobContext, JobHandler, Processor } from 'light-task-scheduler';

class SyncOrder {
  @IsString() shop!: string;
  @IsOptional() @IsInt() @Min(1) pages?: number = 1;
}

@Processor('orders')
export class Orders {
  @JobHandler({ params: SyncOrder, timeout: '30s', maxRetryTimes: 3 })
  async sync(params: SyncOrder, context: JobContext) {
    context.bizLogger.info(`${params.shop}: ${params.pages} page(s)`);
    return { synced: 12 };
  }
}
