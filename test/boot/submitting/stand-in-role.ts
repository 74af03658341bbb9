/** A JobClient whose role is played: it notes what would be sent and answers what the test says. */
import { type ClientRole, JobClient, type JobClientOptions } from '../../../src/boot/job-client.js';
import type { Job } from '../../../src/job/job.js';
import type { SubmitOptions, SubmitOutcome } from '../../../src/job-client/submit.js';

export interface Played {
  readonly answer?: (
    job: Job,
    options: SubmitOptions | undefined,
  ) => Partial<SubmitOutcome> | Promise<Partial<SubmitOutcome>>;
  readonly result?: ClientRole['result'];
  readonly options?: JobClientOptions;
}

/** `sent` grows with each submission; jobIds are J1, J2 ... */
export function playedClient({ answer = () => ({}), result, options }: Played = {}) {
  const sent: Job[] = [];
  const asked: unknown[][] = [];
  const role: ClientRole = {
    submit: async (job, how) => {
      const jobId = job.jobId ?? `J${sent.push(job)}`;
      return { code: 'accepted', jobId, ...(await answer(job, how)) };
    },
    result: result ?? (async (...words) => void asked.push(['result', ...words])),
    ask: (async (...words: unknown[]) => {
      asked.push(words);
      return {};
    }) as unknown as ClientRole['ask'],
    events: async function* (jobId) {
      asked.push(['events', jobId]);
      yield* [];
    },
  };
  return { client: new JobClient(options, role), sent, asked };
}
