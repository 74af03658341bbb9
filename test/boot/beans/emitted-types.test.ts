/** Constructor injection without @inject, in a project that has emitDecoratorMetadata on. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, expect, it } from 'vitest';
import { openBeans } from '../../../src/boot/beans/beans.js';
import { JobClient } from '../../../src/index.js';
import { madeUpContext } from './made-up-context.js';

const file = join(import.meta.dirname, 'emitted-types.fixture.mjs');
afterAll(() => rmSync(file));

it('the types of a constructor are its tokens', async () => {
  const source = `
    import { injectable } from 'inversify';
    import { JobClient, JobHandler, Processor, type JobContext } from '../../../src/index.js';
    class Prices { readonly price = 3 }
    @injectable() class Shop { constructor(readonly prices: Prices) {} }
    @Processor('asking')
    export class Asking {
      constructor(readonly shop: Shop, private readonly jobs: JobClient) {}
      run() { return [this.shop.prices.price, this.jobs]; }
      @JobHandler() part(params: { n: number }, context: JobContext) { return params.n; }
    }`;
  const compilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2022,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
  };
  const { outputText } = ts.transpileModule(source, { compilerOptions });
  expect(outputText).toContain('design:paramtypes');
  writeFileSync(file, outputText);
  const { Asking } = await import(file);
  const client = new JobClient();
  const schemas = { check: () => Promise.reject(new Error('not asked')) };
  const bindings = () => [{ token: JobClient, value: client }];
  const beans = await openBeans({ processors: [Asking], bindings, schemas });
  expect(beans.find('asking')?.run(madeUpContext())).toEqual([3, client]);
  expect(beans.find('asking.part')?.run(madeUpContext({ n: 7 }))).toBe(7);
  await beans.close();
});
