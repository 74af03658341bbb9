/** Where a command finds its application: the data path and the cluster, from the same sources as the application's own settings. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { LtsError } from '../../errors.js';
import type { NatsOptions } from '../node-options.js';
import { assign } from '../settings/assign.js';
import { withNats } from '../settings/nats-options.js';
import { SettingReader } from '../settings/reader.js';
import { readSources, type SourcesRequest } from '../settings/sources.js';
import { settingsTable } from '../settings/table/settings-table.js';

export interface CommandPlaceRequest {
  /** Properties files. Default: lts.properties, if there is one. */
  readonly files?: readonly string[] | undefined;
  /** In place of the files' word. */
  readonly dataPath?: string | undefined;
  readonly clusterName?: string | undefined;
}

export interface CommandPlace {
  readonly dataPath: string;
  readonly cluster: string;
  /** The submitting group. */
  readonly nodeGroup: string;
  /** 'embedded', or where the cluster's NATS is. */
  readonly registryAddress: string;
  readonly nats: NatsOptions;
  /** What would keep an application from starting, but not a command from asking it. */
  readonly problems: readonly string[];
}

/** Throws LTS_CONFIG_INVALID when a file is missing, or when the place itself cannot be read. */
export function commandPlace({ files, dataPath, clusterName }: CommandPlaceRequest): CommandPlace {
  const missing = files?.find((file) => !existsSync(file));
  if (missing !== undefined) throw wrong(`${missing}: no such file. Correct the path of the properties file.`);
  const code = {
    'lts.data-path': dataPath === undefined ? undefined : resolve(dataPath),
    'lts.cluster-name': clusterName,
  };
  const reader = readerOf({ files, code });
  const client = withNats(reader.valuesOf(settingsTable.jobClient), reader.valuesOf(settingsTable.nats));
  // A command asks as a client does, and finds a local application where its JobTracker has its files.
  const { dataPath: path } = reader.valuesOf(settingsTable.jobTracker);
  const { clusterName: cluster, registryAddress, nodeGroup, nats } = client;
  const isKnown = [path, cluster, registryAddress, nodeGroup].every((value) => value !== undefined);
  if (!isKnown) throw wrong(reader.problems.join('\n  '));
  // A data path on the command line means the application there, whatever the files say of a cluster.
  const isLocal = dataPath !== undefined;
  return {
    dataPath: path,
    cluster,
    nodeGroup,
    registryAddress: isLocal ? 'embedded' : registryAddress,
    nats,
    problems: reader.problems,
  };
}

function readerOf(request: SourcesRequest): SettingReader {
  const { sources, folder } = readSources(request);
  return new SettingReader(assign(sources, []), { env: process.env, folder, extensions: [] });
}

const wrong = (text: string): LtsError => new LtsError('LTS_CONFIG_INVALID', text);
