// Compares a schema with that of the last release, and prints as JSON every change that breaks somebody's client
// without the date from which it was announced, and every deprecation without its date.
import { readFileSync } from "node:fs";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema, isEnumType, isInputObjectType, isInterfaceType, isObjectType } from "graphql";

const [before, after, today] = process.argv.slice(2);
const released = buildSchema(readFileSync(before, "utf8"));
const current = buildSchema(readFileSync(after, "utf8"));
const DATE = /\b\d{4}-\d{2}-\d{2}\b/;

function* deprecations(schema) {
  for (const [name, type] of Object.entries(schema.getTypeMap())) {
    if (name.startsWith("__")) continue;
    const parts = isEnumType(type)
      ? type.getValues()
      : isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
        ? Object.values(type.getFields())
        : [];
    for (const part of parts) {
      for (const each of [part, ...(part.args ?? [])]) {
        const path = each === part ? `${name}.${part.name}` : `${name}.${part.name}.${each.name}`;
        if (each.deprecationReason) yield [path, each.deprecationReason];
      }
    }
  }
}

const announced = new Map(deprecations(released));
const isOver = (path) => (DATE.exec(announced.get(path) ?? "")?.[0] ?? "9999-99-99") <= today;
const breaking = (await diff(released, current))
  .filter(({ criticality, path }) => criticality.level === CriticalityLevel.Breaking && !isOver(path))
  .map(({ message }) => message);
const undated = [...deprecations(current)].filter(([, reason]) => !DATE.test(reason)).map(([path]) => path);
process.stdout.write(JSON.stringify({ breaking, undated }));
