/** An application of the three roles, its settings from lts.properties, its processors found by a scan. */
import 'reflect-metadata';
import { EnableJobClient, EnableJobTracker, EnableTaskTracker, LtsApplication } from 'light-task-scheduler';

@EnableJobTracker()
@EnableTaskTracker()
@EnableJobClient()
class Application {}

const app = await LtsApplication.run(Application, { scan: ['./processors/**/*.js'], config: 'lts.properties' });

export { app };
