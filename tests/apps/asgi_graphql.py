"""Strawberry on FastAPI: a query, and subscriptions over graphql-transport-ws.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

import strawberry
from asgi_fastapi import app, note
from strawberry.fastapi import GraphQLRouter


@strawberry.type
class Query:
    @strawberry.field
    async def pid(self) -> int:
        await asyncio.sleep(0)
        return os.getpid()


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[int]:
        for number in range(to):
            yield number
            await asyncio.sleep(0)

    @strawberry.subscription
    async def ticks(self) -> AsyncGenerator[int]:
        """Until the client has enough, or has left."""
        number = 0
        note("ticks begin")
        try:
            while True:
                yield number
                number += 1
                await asyncio.sleep(0.01)
        finally:
            note("ticks end")


schema = strawberry.Schema(query=Query, subscription=Subscription)
app.include_router(GraphQLRouter(schema), prefix="/graphql")
