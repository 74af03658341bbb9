/** What a processor says for all its jobs, checked before the first of them is submitted. */
import { LtsError } from '../../errors.js';
import type { JobDefaults } from '../../job/contract.js';
import { prepare } from '../../job-client/prepare.js';
import { clock, codec, ids } from '../system-ports.js';

const parts = {
  ports: { clock, codec, ids },
  settings: { nodeGroup: 'lts', defaultNodeGroup: 'lts', onComplete: undefined },
};

/** What is wrong with them; undefined when a job that says nothing else could be submitted. */
export function mistakeInDefaults(defaults: JobDefaults): string | undefined {
  const { cron, repeat, fixedDelay, timeZone } = defaults;
  const isZoneOfLaterCron = timeZone !== undefined && (cron ?? repeat ?? fixedDelay) === undefined;
  try {
    prepare(isZoneOfLaterCron ? { ...defaults, cron: '0 0 0 * * ?' } : defaults, parts);
    return undefined;
  } catch (error) {
    if (LtsError.is(error)) return error.message;
    throw error;
  }
}
