/** Params classes as users' compilers make them: fields defined or assigned, types emitted or not. And what is loaded when. */
import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import { ClassValidatorSchemas } from '../../../src/adapters/class-validator/class-validator-schemas.js';
import { transpile } from '../../helpers/transpile.js';

const source = `
  import { IsInt, IsOptional, IsString, Min, ValidateNested } from 'class-validator';
  import { Nested } from '../../../src/index.js';
  export class Line { @IsString() sku!: string; @IsInt() @Min(1) count: number = 1; }
  export class Order {
    @IsString() shop!: string;
    @IsOptional() @IsInt() pages?: number = 1;
    @IsOptional() @ValidateNested({ each: true }) @Nested(() => Line) lines?: Line[];
    @Nested(() => Date) due?: Date;
  }`;

const files: string[] = [];
afterAll(() => Promise.all(files.map((file) => rm(file, { recursive: true }))));

describe.each([true, false])('useDefineForClassFields %s', (useDefineForClassFields) => {
  describe.each([true, false])('emitDecoratorMetadata %s', (emitDecoratorMetadata) => {
    it('defaults stand, nested classes are made, paths are named', async () => {
      const target = ts.ScriptTarget.ES2022;
      const emit = { useDefineForClassFields, emitDecoratorMetadata, experimentalDecorators: true };
      const compilerOptions = { module: ts.ModuleKind.ESNext, target, ...emit };
      const { outputText } = ts.transpileModule(source, { compilerOptions });
      expect(outputText.includes('design:type')).toBe(emitDecoratorMetadata);
      expect(/this\.count = 1/.test(outputText)).toBe(!useDefineForClassFields);
      const file = join(
        import.meta.dirname,
        `compiled-${useDefineForClassFields}-${emitDecoratorMetadata}.fixture.mjs`,
      );
      files.push(file);
      await writeFile(file, outputText);
      const { Order, Line } = await import(file);
      const schemas = new ClassValidatorSchemas();
      const order = await schemas.check<Record<string, unknown>>(Order, {
        shop: '1',
        lines: [{ sku: 'a' }],
        due: '2026-01-01',
      });
      expect(order).toEqual(
        Object.assign(new Order(), {
          shop: '1',
          pages: 1,
          lines: [Object.assign(new Line(), { sku: 'a', count: 1 })],
          due: new Date('2026-01-01'),
        }),
      );
      await expect(schemas.check(Order, { lines: [{ sku: 'a' }, { count: 0 }] })).rejects.toMatchObject({
        message:
          'the params do not fit Order: shop: must be a string; lines[1].sku: must be a string; lines[1].count: must not be less than 1.',
      });
    });
  });
});

it('class-validator is loaded by the first check of a class, not before', async () => {
  const folder = await transpile(['src']);
  files.push(folder);
  const script = `
    import { createRequire } from 'node:module';
    const isLoaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('class-validator/cjs'));
    const { ClassValidatorSchemas } = await import('./src/adapters/class-validator/class-validator-schemas.js');
    await import('./src/index.js');
    const schemas = new ClassValidatorSchemas();
    const standard = { '~standard': { version: 1, vendor: 'x', validate: (value) => ({ value }) } };
    await schemas.check(standard, {});
    const before = isLoaded();
    await schemas.check(class Free {}, {});
    console.log(JSON.stringify([before, isLoaded()]));`;
  await writeFile(join(folder, 'main.mjs'), script);
  const { stdout, stderr } = spawnSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([false, true]);
}, 30_000);
