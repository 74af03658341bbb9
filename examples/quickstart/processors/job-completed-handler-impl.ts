/** The class that hears what became of the jobs of its group: LTS's JobCompletedHandlerImpl. */
import { JobCompletedHandler, type JobResult } from 'light-task-scheduler';

@JobCompletedHandler()
export class JobCompletedHandlerImpl implements JobCompletedHandler {
  onComplete(results: JobResult[]): void {
    for (const { taskId, success, message } of results) {
      console.log('feedback ', { taskId, success, message });
    }
  }
}
