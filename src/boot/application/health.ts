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
}

export interface NodeHealth {
  readonly type: string;
  readonly nodeGroup?: string | undefined;
  readonly isRunning: boolean;
}

export function healthOf(state: AppState, nodes: readonly NodeHealth[]): Health {
  const isLive = state !== 'stopped';
  return { state, isLive, isReady: state === 'runs' && nodes.every(({ isRunning }) => isRunning), nodes };
}
