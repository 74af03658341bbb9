/** The rules that need types, the size limits and the bans; format, imports and plain lint are biome's. */
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const fewParameters = 'At most 3 parameters, then an options object.';
const tooManyParameters = [
  'FunctionDeclaration[params.length>3]',
  'ArrowFunctionExpression[params.length>3]',
  ':not(MethodDefinition) > FunctionExpression[params.length>3]',
  'MethodDefinition[kind!="constructor"] > FunctionExpression[params.length>3]',
  'TSMethodSignature[params.length>3]',
  'TSFunctionType[params.length>3]',
].map((selector) => ({ selector, message: fewParameters }));
tooManyParameters.push({
  selector: 'MethodDefinition[kind="constructor"] > FunctionExpression[params.length>5]',
  message: 'At most 5 dependencies in a constructor.',
});

const containerGet = ['callee.object.name', 'callee.object.property.name'].map((path) => ({
  selector: `CallExpression[${path}=/container$/i][callee.property.name=/^get(Async|All|AllAsync)?$/]`,
  message: 'Only boot asks the container; take what you need in the constructor.',
}));

const askClock = 'Ask the Clock port; only adapters/system, boot and cli know the real time.';
const clockSyntax = ['NewExpression[callee.name="Date"][arguments.length=0]', 'CallExpression[callee.name="Date"]'].map(
  (selector) => ({ selector, message: askClock }),
);
const timers = ['setTimeout', 'setInterval', 'setImmediate', 'performance'];
const worldGlobals = timers.map((name) => ({ name, message: askClock }));
const worldProperties = [
  { object: 'Date', property: 'now', message: askClock },
  { object: 'Math', property: 'random', message: 'Ask the Chance port.' },
  { object: 'process', property: 'env', message: 'Settings are read in boot and passed on.' },
  ...timers.map((property) => ({ object: 'globalThis', property, message: askClock })),
];
const worldModules = ['timers', 'timers/promises', 'perf_hooks', 'process'].flatMap((name) =>
  [name, `node:${name}`].map((path) => ({ name: path, message: askClock })),
);

export default defineConfig(
  { ignores: ['dist/', 'coverage/', '**/*.js', '**/*.cjs', 'vitest.config.ts'] },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', 60],
      'max-depth': ['error', 3],
      'no-restricted-syntax': ['error', ...tooManyParameters, ...containerGet, ...clockSyntax],
      'no-restricted-globals': ['error', ...worldGlobals],
      'no-restricted-properties': ['error', ...worldProperties],
      'no-restricted-imports': ['error', { paths: worldModules }],
    },
  },
  {
    // Virtual time must let promises run dry between two instants, which only the real event loop can do.
    files: ['src/testing/**/*.ts'],
    rules: { 'no-restricted-globals': ['error', ...worldGlobals.filter(({ name }) => name !== 'setImmediate')] },
  },
  {
    files: ['src/adapters/system/**/*.ts', 'src/boot/**/*.ts', 'src/cli/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...tooManyParameters, ...containerGet],
      'no-restricted-globals': 'off',
      'no-restricted-properties': 'off',
      'no-restricted-imports': 'off',
    },
  },
  { files: ['src/boot/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...tooManyParameters] } },
);
