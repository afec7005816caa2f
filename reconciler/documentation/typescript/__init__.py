"""An npm package for one instance: types, zod validators, a client and React hooks. Texts by file name.

naming.py      names of types and fields as TypeScript has them
shapes.py      fields -> TypeScript types
validators.py  fields -> zod
modules.py     the modules that the types of an instance make different
package.py     all files of the package

What is the same for everyone is the frontend package (`api/frontend/`), whose files are handed in.
"""
