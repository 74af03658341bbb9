/** Where a command finds its application: the data path and the cluster, from the same sources as the application's own settings. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { LtsError } from '../../errors.js';
import { assign } from '../settings/assign.js';
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
  /** What would keep an application from starting, but not a command from asking it. */
  readonly problems: readonly string[];
}

/** Throws LTS_CONFIG_INVALID when a file is missing, or when the place itself cannot be read or is not of the embedded shape. */
export function commandPlace({ files, dataPath, clusterName }: CommandPlaceRequest): CommandPlace {
  const missing = files?.find((file) => !existsSync(file));
  if (missing !== undefined) throw wrong(`${missing}: no such file. Correct the path of the properties file.`);
  const code = {
    'lts.data-path': dataPath === undefined ? undefined : resolve(dataPath),
    'lts.cluster-name': clusterName,
  };
  const reader = readerOf({ files, code });
  const tracker = reader.valuesOf(settingsTable.jobTracker);
  const { nodeGroup } = reader.valuesOf(settingsTable.jobClient);
  const isPlaceKnown = tracker.dataPath !== undefined && tracker.clusterName !== undefined && nodeGroup !== undefined;
  if (!isPlaceKnown) throw wrong(reader.problems.join('\n  '));
  if (tracker.registryAddress !== 'embedded') {
    const text = `lts.registry-address names a cluster, and commands reach applications of the embedded shape only. Name the data path of one with --data-path and --config of a file without the address.`;
    throw wrong(text);
  }
  return { dataPath: tracker.dataPath, cluster: tracker.clusterName, nodeGroup, problems: reader.problems };
}

function readerOf(request: SourcesRequest): SettingReader {
  const { sources, folder } = readSources(request);
  return new SettingReader(assign(sources, []), { env: process.env, folder, extensions: [] });
}

const wrong = (text: string): LtsError => new LtsError('LTS_CONFIG_INVALID', text);
