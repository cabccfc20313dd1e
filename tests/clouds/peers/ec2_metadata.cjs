// AWS's own client of the instance metadata service, asked for the user-data: prints what it has, or what it says.
// usage: ec2_metadata.cjs [v1]: without a token
const { MetadataService } = require("@aws-sdk/ec2-metadata-service");

const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n", () => process.exit(0));

new MetadataService({ httpOptions: { timeout: 5000 }, disableFetchToken: process.argv[2] === "v1" }).request("/latest/user-data", { method: "GET" }).then(
  (userData) => say({ found: true, user_data: userData }),
  (error) => say({ found: false, why: error.message }),
);
