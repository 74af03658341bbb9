/** The Leases port in MongoDB: one document for each session, named by it; a few hundred at most, so its `_id` is the only index. */
import type { Collection, Filter } from 'mongodb';
import { LtsError } from '../../errors.js';
import type { Lease, Leases, NewLease } from '../../ports/leases.js';
import type { MongoConnection } from './mongo-connection.js';
import { isDuplicateKey } from './mongo-errors.js';

type LeaseDocument = Omit<Lease, 'session'> & { readonly _id: string };

export class MongoLeases implements Leases {
  private readonly leases: Collection<LeaseDocument>;
  private isOpen = false;

  /** The connection is opened before `open` and closed after `close` by whoever made it. */
  constructor(private readonly connection: MongoConnection) {
    this.leases = connection.collection<LeaseDocument>('leases');
  }

  async open(): Promise<void> {
    this.isOpen = true;
  }

  async close(): Promise<void> {
    this.isOpen = false;
  }

  /** An upsert that finds the record taken by another beginning conflicts with its `_id`, and reads what is there. */
  async begin({ session, ...lease }: NewLease): Promise<Lease | undefined> {
    const { tracker, moves } = lease;
    const later = { $or: [{ moves: { $lt: moves } }, { moves: { $eq: moves }, tracker: { $eq: tracker } }] };
    const filter: Filter<LeaseDocument> = { _id: { $eq: session }, state: 'alive', ...later };
    const change = { $set: { ...lease, state: 'alive', fallen: 0 } as const, $inc: { beats: 1 } };
    return this.attempt('begin a session', async () => {
      try {
        await this.leases.updateOne(filter, change, { upsert: moves <= 1 });
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
      return (await this.read([session]))[0];
    });
  }

  async renew(tracker: string, sessions: readonly string[]): Promise<(Lease | undefined)[]> {
    const filter: Filter<LeaseDocument> = {
      _id: { $in: sessions.map(String) },
      tracker: { $eq: tracker },
      state: 'alive',
    };
    return this.attempt('renew sessions', async () => {
      await this.leases.updateMany(filter, { $inc: { beats: 1 } });
      return this.read(sessions);
    });
  }

  async kill({ session, tracker, beats }: Pick<Lease, 'session' | 'tracker' | 'beats'>): Promise<Lease | undefined> {
    const filter: Filter<LeaseDocument> = {
      _id: { $eq: session },
      tracker: { $eq: tracker },
      beats: { $eq: beats },
      state: 'alive',
    };
    return this.attempt('end a session', async () => {
      await this.leases.updateOne(filter, { $set: { state: 'dead' } });
      return (await this.read([session]))[0];
    });
  }

  async noteFallen(session: string, runs: number): Promise<number> {
    return this.attempt('note what a session left', async () => {
      await this.leases.updateOne({ _id: { $eq: session } }, { $max: { fallen: runs } });
      return (await this.read([session]))[0]?.fallen ?? runs;
    });
  }

  async forget(sessions: readonly string[]): Promise<void> {
    const filter: Filter<LeaseDocument> = { _id: { $in: sessions.map(String) }, state: 'dead' };
    await this.attempt('forget sessions', () => this.leases.deleteMany(filter));
  }

  async list(nodeGroup?: string): Promise<readonly Lease[]> {
    return this.attempt('list sessions', () =>
      this.find(nodeGroup === undefined ? {} : { nodeGroup: { $eq: nodeGroup } }),
    );
  }

  /** In the order of the names. */
  private async read(sessions: readonly string[]): Promise<(Lease | undefined)[]> {
    const found = await this.find({ _id: { $in: sessions.map(String) } });
    const byName = new Map(found.map((lease) => [lease.session, lease]));
    return sessions.map((session) => byName.get(session));
  }

  private async find(filter: Filter<LeaseDocument>): Promise<Lease[]> {
    const found = await this.leases.find(filter).toArray();
    return found.map(({ _id, ...lease }) => ({ session: _id, ...lease }));
  }

  private async attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.isOpen) return this.connection.attempt(what, work);
    const text = `The leases in MongoDB at ${this.connection.place} are not open. Call open() first and await it.`;
    throw new LtsError('LTS_NOT_STARTED', text);
  }
}
