// The user of the JobTrackers: it may read and write the one database, and nothing else.
db.getSiblingDB('admin').createUser({
  user: 'lts',
  pwd: process.env.MONGO_PASSWORD,
  roles: [{ role: 'readWrite', db: 'lts' }],
});
