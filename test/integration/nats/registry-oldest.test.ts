/** The failures of nodes, server and bucket on the oldest nats-server that is supported. */
import { registryFailures } from './registry-failures.suite.js';

registryFailures('oldest');
