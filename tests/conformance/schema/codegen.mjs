// Generates TypeScript for a schema and documents, and prints it.
import { readFileSync } from "node:fs";
import { codegen } from "@graphql-codegen/core";
import * as typescript from "@graphql-codegen/typescript";
import * as operations from "@graphql-codegen/typescript-operations";
import { parse } from "graphql";

const [schema, ...documents] = process.argv.slice(2).map((path) => [path, parse(readFileSync(path, "utf8"))]);
const written = await codegen({
  filename: "doorstep.ts",
  schema: schema[1],
  documents: documents.map(([location, document]) => ({ location, document })),
  plugins: [{ typescript: {} }, { operations: {} }],
  pluginMap: { typescript, operations },
  config: {},
});
process.stdout.write(written);
