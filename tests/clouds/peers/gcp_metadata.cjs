// Google's own client of the metadata server, asked for the user-data: prints what it has, or what it says.
const metadata = require("gcp-metadata");

const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n", () => process.exit(0));

async function find() {
  const available = await metadata.isAvailable();
  const instance = String(await metadata.instance("id"));
  return { found: true, available, instance, user_data: await metadata.instance("attributes/user-data") };
}

find().then(say, (error) => say({ found: false, why: String(error.status || error.message) }));
