/** What an application says of itself to those who watch over it. */

/** `drains`: it finishes what runs and takes nothing new. */
export type AppState = 'starts' | 'runs' | 'drains' | 'stopped';

export interface Health {
  readonly state: AppState;
  /** False: restart the process. */
  readonly isLive: boolean;
  /** False: give it no new work. */
  readonly isReady: boolean;
  readonly nodes: readonly NodeHealth[];
  /** What kept a node from going on, so that the application stops by itself. */
  readonly why?: string | undefined;
}

export interface NodeHealth {
  readonly type: string;
  readonly nodeGroup?: string | undefined;
  readonly isRunning: boolean;
}

export function healthOf(state: AppState, nodes: readonly NodeHealth[], why?: string): Health {
  const isLive = state !== 'stopped';
  const isReady = state === 'runs' && nodes.every(({ isRunning }) => isRunning);
  return { state, isLive, isReady, nodes, ...(why === undefined ? {} : { why }) };
}
