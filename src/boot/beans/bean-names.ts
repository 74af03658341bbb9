/** How beans are called in messages: the class or definition, and the file it was scanned from. */
import { isProcessorDefinition, type ProcessorDefinition } from '../../decorators/define-processor.js';
import type { Class } from '../../job/contract.js';
import { shown } from '../../kit/shown.js';

/** What may stand in a list of processors: a decorated class of any kind, or what `defineProcessor` made. */
// biome-ignore lint/suspicious/noExplicitAny: a list holds processors of all params.
export type Bean = Class | ProcessorDefinition<any, any, any>;

/** Weak: a class that was scanned once does not stay for it. */
const files = new WeakMap<Bean, string>();

export function rememberFile(bean: Bean, file: string): void {
  files.set(bean, file);
}

export function nameOf(bean: Bean): string {
  const file = typeof bean === 'object' || typeof bean === 'function' ? files.get(bean) : undefined;
  return file === undefined ? bareNameOf(bean) : `${bareNameOf(bean)} (${file})`;
}

function bareNameOf(bean: Bean): string {
  if (isProcessorDefinition(bean)) return `defineProcessor(${shown(bean.processor)})`;
  return typeof bean === 'function' ? bean.name || '(a class without a name)' : shown(bean);
}
