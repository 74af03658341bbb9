/** An application of one worker, by the properties file that is named; its exit code is what the parent looks at. */
import { defineProcessor, LtsApplication } from '../../../src/index.js';

const [config = ''] = process.argv.slice(2);
const processors = [defineProcessor('echo', {}, () => 1)];
await LtsApplication.run({ taskTracker: {} }, { config, processors });
process.stdout.write('ready\n');
