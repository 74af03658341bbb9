/** Who listens where. Subjects are made of validated names only. */
import { LtsError } from '../errors.js';
import { shown } from '../kit/shown.js';

export interface Subjects {
  /** Any JobTracker, for JobClients; trackers share it as one queue group. */
  readonly tracker: string;
  /** One JobTracker, for JobClients. */
  trackerOf(identity: string): string;
  /** Any JobTracker, for TaskTrackers: apart from what clients ask, so that a server can permit one without the other. */
  readonly runs: string;
  /** One JobTracker, for TaskTrackers: where the sessions that it serves send their requests. */
  runsOf(identity: string): string;
  /** Every JobTracker: hints, which carry no state. */
  readonly hints: string;
  /** One session, `<identity>-<epoch>`, of one TaskTracker. */
  session(session: string): string;
  /** The clients of a submitting group; they share it as one queue group. */
  feedback(submitNodeGroup: string): string;
  /** One life of one node, by the random name of that life; who answers there lives. */
  life(type: string, identity: string, name: string): string;
  /** Where one node gets its answers: the prefix of its inboxes. Nobody else may listen there. */
  inbox(type: string, identity: string): string;
}

/** Throws LTS_CONFIG_INVALID for a name that could be more than one part of a subject, or a wildcard. */
export function subjectsOf(cluster: string): Subjects {
  const prefix = `lts.${part('cluster', cluster)}`;
  return {
    tracker: `${prefix}.tracker`,
    trackerOf: (identity) => `${prefix}.tracker.${part('identity', identity)}`,
    hints: `${prefix}.hints`,
    runs: `${prefix}.runs`,
    runsOf: (identity) => `${prefix}.runs.${part('identity', identity)}`,
    session: (session) => `${prefix}.session.${sessionParts(session)}`,
    feedback: (submitNodeGroup) => `${prefix}.feedback.${part('nodeGroup', submitNodeGroup)}`,
    life: (type, identity, name) =>
      `${prefix}.life.${part('type', type)}.${part('identity', identity)}.${part('life', name)}`,
    inbox: (type, identity) => `${prefix}.inbox.${part('type', type)}.${part('identity', identity)}`,
  };
}

/** The identity is a part of its own, so that a server can permit one node and no other. */
function sessionParts(session: string): string {
  const dash = part('session', session).lastIndexOf('-');
  return dash > 0 ? `${session.slice(0, dash)}.${session.slice(dash + 1)}` : session;
}

/** A session is an identity (at most 64 characters) with its epoch. */
const partPattern = /^[A-Za-z0-9_-]{1,128}$/;

function part(field: string, name: string): string {
  if (partPattern.test(name)) return name;
  throw new LtsError('LTS_CONFIG_INVALID', `${field}: ${shown(name)} is not a name of letters, digits, '_' and '-'.`);
}
