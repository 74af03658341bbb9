/** Who listens where. Subjects are made of validated names only. */
export interface Subjects {
  /** Any JobTracker; trackers share it as one queue group. */
  readonly tracker: string;
  /** One session of one TaskTracker. */
  session(session: string): string;
  /** The clients of a submitting group; they share it as one queue group. */
  feedback(submitNodeGroup: string): string;
}

export function subjectsOf(cluster: string): Subjects {
  return {
    tracker: `lts.${cluster}.tracker`,
    session: (session) => `lts.${cluster}.session.${session}`,
    feedback: (submitNodeGroup) => `lts.${cluster}.feedback.${submitNodeGroup}`,
  };
}
