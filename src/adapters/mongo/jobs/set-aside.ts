/** Documents among the jobs that are no job records: somebody else wrote or changed them. They are set aside, so that nothing waits behind them. */
import type { Collection, UpdateFilter } from 'mongodb';
import type { MongoConnection } from '../mongo-connection.js';
import type { JobDocument } from './job-document.js';

const places = ['turn', 'run', 'schedule', 'fire', 'owed', 'ended'] as const;

type Part = Pick<JobDocument, '_id'> & { readonly body?: unknown; readonly status?: unknown };

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** Of a document whose body was asked for. */
export const hasBody = ({ body }: Part): boolean => isObject(body);

/** Of a whole document. */
export const isRecord = (document: Part): boolean => hasBody(document) && isObject(document.status);

/** Answers the others. What is set aside stays in the collection under its `_id`, and no query but one for that finds it. */
export async function withoutDamaged<T extends Part>(
  { connection, jobs }: { readonly connection: MongoConnection; readonly jobs: Collection<JobDocument> },
  documents: readonly T[],
  isWhole: (document: T) => boolean,
): Promise<readonly T[]> {
  const damaged = documents.filter((document) => !isWhole(document));
  if (damaged.length === 0) return documents;
  const ids = damaged.map(({ _id }) => _id);
  const update = { $unset: Object.fromEntries(places.map((name) => [name, ''])) } as UpdateFilter<JobDocument>;
  const { collectionName: collection } = jobs;
  connection.ports.log.error({ collection, ids }, 'these documents are no jobs and are set aside; look at them there');
  await connection.attempt('set damaged jobs aside', () => jobs.updateMany({ _id: { $in: ids } }, update));
  return documents.filter(isWhole);
}
