/** Where a message of this kind goes in the test cluster: clients and workers ask trackers at subjects of their own. */
const ofWorkers = new Set(['StartSession', 'RenewSession', 'EndSession', 'PullJobs', 'ReportRuns', 'AppendLog']);

export function askedAt(kind: string, tracker?: string): string {
  const any = ofWorkers.has(kind) ? 'lts.test.runs' : 'lts.test.tracker';
  return tracker === undefined ? any : `${any}.${tracker}`;
}
