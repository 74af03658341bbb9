/** Who listens where. Subjects are made of validated names only. */
import { LtsError } from '../errors.js';
import { shown } from '../kit/shown.js';

export interface Subjects {
  /** Any JobTracker; trackers share it as one queue group. */
  readonly tracker: string;
  /** One JobTracker: where the sessions that it serves send their requests. */
  trackerOf(identity: string): string;
  /** Every JobTracker: hints, which carry no state. */
  readonly hints: string;
  /** One session of one TaskTracker. */
  session(session: string): string;
  /** The clients of a submitting group; they share it as one queue group. */
  feedback(submitNodeGroup: string): string;
  /** One life of one node, by the random name of that life; who answers there lives. */
  life(name: string): string;
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
    session: (session) => `${prefix}.session.${part('session', session)}`,
    feedback: (submitNodeGroup) => `${prefix}.feedback.${part('nodeGroup', submitNodeGroup)}`,
    life: (name) => `${prefix}.life.${part('life', name)}`,
    inbox: (type, identity) => `${prefix}.inbox.${part('type', type)}.${part('identity', identity)}`,
  };
}

/** A session is an identity (at most 64 characters) with its epoch. */
const partPattern = /^[A-Za-z0-9_-]{1,128}$/;

function part(field: string, name: string): string {
  if (partPattern.test(name)) return name;
  throw new LtsError('LTS_CONFIG_INVALID', `${field}: ${shown(name)} is not a name of letters, digits, '_' and '-'.`);
}
