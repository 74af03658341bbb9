/** The beans of a test: the user's classes, built with stand-ins where the test says so. */
import type { Container } from 'inversify';
import { type Binding, hasBound } from '../../boot/beans/bean-container.js';
import { type Beans, openBeans } from '../../boot/beans/beans.js';
import type { RunnerOptions } from '../../boot/runner-table.js';
import { codec, schemas } from '../../boot/system-ports.js';
import { LtsError } from '../../errors.js';
import { shown } from '../../kit/shown.js';
import { Codec } from '../../ports/codec.js';
import { Schemas } from '../../ports/schemas.js';

export interface TestBeansOptions extends RunnerOptions {
  /** The user's own inversify container. Without `processors`, every decorated class that is bound in it. */
  readonly container?: Container | undefined;
  /** What constructors get: `{ token: Mailer, value: fakeMailer }`; also in place of JobClient, Clock and the other ports. */
  readonly bindings?: readonly Binding[] | undefined;
}

/** `ports` are bound where the test and the container bind nothing. Throws LTS_PROCESSOR_INVALID, LTS_CONFIG_INVALID. */
export function openTestBeans(options: TestBeansOptions, ports: readonly Binding[]): Promise<Beans> {
  const { processors, jobRunner, container, bindings = [] } = options;
  for (const { token } of bindings) checkFree(token, container);
  const given = [...bindings, ...ports, { token: Codec, value: codec }, { token: Schemas, value: schemas }];
  const listed = processors ?? (container ? undefined : []);
  return openBeans({ processors: listed, jobRunner, container, schemas, bindings: () => given });
}

/** A stand-in that would not be used must not look as if it were. */
function checkFree(token: Binding['token'], container: Container | undefined): void {
  if (!container || !hasBound(container, token)) return;
  const name = typeof token === 'function' ? token.name : shown(String(token));
  throw new LtsError('LTS_CONFIG_INVALID', `bindings: ${name} is bound in the container already. Rebind it there.`);
}
