/** The roles of an application: which ones it starts, and what is said of them beside the settings. */
import { type EnabledRoles, enabledRolesOf } from '../../decorators/enable.js';
import { LtsError } from '../../errors.js';
import type { Class } from '../../job/contract.js';
import { shown } from '../../kit/shown.js';
import type { Log } from '../../ports/log.js';
import { checkOptionNames } from '../node-options.js';
import type { Settings } from '../settings/load-settings.js';

/** The roles that an application starts: those that its class is decorated with, or named here. */
export type Roles = EnabledRoles;

const roleNames = ['jobTracker', 'taskTracker', 'jobClient'];

/** What is undefined was not said, so that the settings decide. Throws LTS_CONFIG_INVALID. */
export function rolesOf(application: Class | Roles): Roles {
  const roles = typeof application === 'function' ? enabledRolesOf(application) : application;
  if (typeof roles !== 'object' || roles === null) throw noApplication(roles);
  checkOptionNames(roles, roleNames);
  const enabled = Object.entries(roles).filter(([, options]) => options);
  if (enabled.length === 0) throw noRole(application);
  return Object.fromEntries(enabled.map(([name, options]) => [name, said(options as object)]));
}

const said = (options: object): object =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

function noApplication(value: unknown): LtsError {
  const text = `${shown(value)} is no application. Give a class with @EnableJobTracker() and its kin, or roles such as { jobTracker: {} }.`;
  return new LtsError('LTS_CONFIG_INVALID', text);
}

function noRole(application: Class | Roles): LtsError {
  const name = typeof application === 'function' ? application.name : 'The application';
  const text = `${name} enables no role. Decorate it with @EnableJobTracker(), @EnableTaskTracker() or @EnableJobClient().`;
  return new LtsError('LTS_CONFIG_INVALID', text);
}

/** Not refused: another application of this process may have the JobTracker. */
export function warnWithoutTracker(roles: Roles, { jobClient, taskTrackers }: Settings, log: Log): void {
  if (roles.jobTracker) return;
  const places = [...(roles.jobClient ? [jobClient] : []), ...(roles.taskTracker ? taskTrackers : [])];
  const stranded = places.find(({ registryAddress }) => registryAddress === 'embedded');
  if (!stranded) return;
  log.warn(
    { dataPath: stranded.dataPath },
    'this application starts no JobTracker, and with the registry address embedded it reaches none of another process: no job will come or go. Add @EnableJobTracker(), or start one in this process on this data path',
  );
}
