/** The fluent builder. */
import { LtsJobClient } from 'light-task-scheduler';

const responses = await LtsJobClient.getInstance()
  .bizId('cws1804')
  .bizType('tntOrder')
  .processor('springBean')
  .setParam('shop', '1111111')
  .nodeGroup('tnt_back')
  .submit();

export { responses };
