/** What a JobTracker can be told of its MongoDB. */
import { LtsError } from '../errors.js';
import { hintAt } from '../kit/nearest.js';

/** How a JobTracker reaches MongoDB. */
export interface MongoOptions {
  /** `host:port`, several with commas, or a `mongodb://` address with TLS and whatever else the driver knows. Default '127.0.0.1:27017'. */
  readonly addresses?: string | undefined;
  /** Default: the one of the address, else 'lts'. */
  readonly database?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

const mongoKeys = ['addresses', 'database', 'username', 'password'];

/** What the values themselves are worth shows when the connection is made. */
export function checkMongo(mongo: MongoOptions): void {
  if (typeof mongo !== 'object' || mongo === null)
    throw wrong('mongo: it is no object. Give addresses, database, username, password.');
  const unknown = Object.keys(mongo).find((key) => !mongoKeys.includes(key));
  if (unknown !== undefined) throw wrong(`mongo.${unknown}: no such option. ${hintAt(unknown, mongoKeys)}`);
}

const wrong = (text: string): LtsError => new LtsError('LTS_CONFIG_INVALID', text);
