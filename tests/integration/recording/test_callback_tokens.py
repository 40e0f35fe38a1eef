"""Only ACS may send callbacks, with a valid token for this resource. Otherwise anybody could change the ledger."""

import base64
import json
import time
import traceback
import uuid
from typing import Any

import aiohttp
import jwt
import pytest
import pytest_asyncio
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.acs.identifiers import RESOURCE_ID
from shared.errors import CallvaultError, SourceError
from shared.gateways.acs.signing_keys import SigningKeys
from shared.recording.callback_tokens import CallbackTokens
from tests.integration.world import MakeWorld, MovableClock, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

ISSUER = "https://acscallautomation.communication.azure.com"


@pytest_asyncio.fixture(loop_scope="session")
async def tokens(make_world: MakeWorld) -> tuple[World, CallbackTokens, MovableClock]:
    world: World = await make_world(CALLBACK_AUDIENCE=RESOURCE_ID)
    clock = MovableClock()
    return world, CallbackTokens(world.gateways.signing_keys, clock, world.settings), clock


async def signed(world: World, **claims: Any) -> str:
    return str((await world.acs("POST", "/tokens", **claims))["token"])


async def refusal(tokens: CallbackTokens, authorization: str | None) -> CallvaultError:
    with pytest.raises(CallvaultError) as refused:
        await tokens.verify(authorization)
    return refused.value


def forged(key: Any, algorithm: str, key_id: str | None, **claims: Any) -> str:
    now = int(time.time())
    good = {"iss": ISSUER, "aud": RESOURCE_ID, "iat": now, "nbf": now, "exp": now + 300}
    headers = {} if key_id is None else {"kid": key_id}
    return jwt.encode({**good, **claims}, key, algorithm=algorithm, headers=headers)


def unsigned(key_id: str) -> str:
    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    claims = {"iss": ISSUER, "aud": RESOURCE_ID, "iat": time.time(), "exp": time.time() + 300}
    return f"{part({'alg': 'none', 'kid': key_id})}.{part(claims)}."


async def test_a_token_that_acs_signed_for_this_resource_is_accepted(tokens):
    world, verifier, _ = tokens
    await verifier.verify(f"Bearer {await signed(world)}")
    await verifier.verify(f"bearer {await signed(world)}")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"lifetime": -120}, "expired"),
        ({"audience": str(uuid.uuid4())}, "another ACS resource"),
        ({"issuer": "https://evil.communication.azure.com"}, "another issuer"),
    ],
)
async def test_a_token_of_acs_for_another_time_or_resource_is_refused_and_says_why(tokens, claims, reason):
    world, verifier, _ = tokens
    error = await refusal(verifier, f"Bearer {await signed(world, **claims)}")
    assert (error.status, error.reason) == (401, "callback-unauthorized")
    assert reason in str(error)


async def test_an_audience_set_in_capitals_is_the_same_resource(make_world: MakeWorld):
    world: World = await make_world(CALLBACK_AUDIENCE=RESOURCE_ID.upper())
    verifier = CallbackTokens(world.gateways.signing_keys, MovableClock(), world.settings)
    await verifier.verify(f"Bearer {await signed(world)}")


async def test_a_token_that_expired_seconds_ago_is_accepted_because_clocks_differ(tokens):
    world, verifier, _ = tokens
    await verifier.verify(f"Bearer {await signed(world, lifetime=-20)}")


async def test_forged_tokens_are_refused(tokens):
    world, verifier, _ = tokens
    good = await signed(world)
    key_id = jwt.get_unverified_header(good)["kid"]
    mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    published = (await world.gateways.signing_keys.fetch())[key_id].key
    pem = published.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head, claims, signature = good.split(".")
    # PyJWT refuses to sign with a public key, so this test builds the token with confused algorithms itself.
    secret = forged("x" * 32, "HS256", key_id)
    confused = jwt.api_jws.PyJWS().encode(
        json.dumps(jwt.decode(secret, options={"verify_signature": False})).encode(),
        base64.b64encode(pem),
        algorithm="HS256",
        headers={"kid": key_id},
    )
    bad = {
        "of another's key under ACS's name for it": forged(mine, "RS256", key_id),
        "of a key that ACS never had": forged(mine, "RS256", "mine"),
        "of no named key": forged(mine, "RS256", None),
        "unsigned": unsigned(key_id),
        "of a shared secret": secret,
        "of the public key as a secret": confused,
        "of PS256": forged(mine, "PS256", key_id),
        "with other claims": f"{head}.{forged(mine, 'RS256', key_id, sub='me').split('.')[1]}.{signature}",
        "cut": good[:-8],
        "without a signature": f"{head}.{claims}.",
        "huge": "a" * 9000,
        "nothing": "",
    }
    for what, token in bad.items():
        error = await refusal(verifier, f"Bearer {token}")
        assert error.status == 401, what
    for authorization in (None, "", "Basic YTpi", good, f"Bearer  {good}", f"Bearer {good} {good}"):
        assert (await refusal(verifier, authorization)).status == 401
    await verifier.verify(f"Bearer {good}")


async def test_a_token_without_expiry_or_audience_is_refused(tokens):
    _, verifier, _ = tokens
    # Tokens that ACS would never sign, signed with a key that the verifier trusts.
    mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(mine.public_key()))
    verifier._keys = {"mine": jwt.PyJWK(jwk, algorithm="RS256")}  # noqa: SLF001 - the key server can't publish this key
    verifier._fetched_at = verifier._clock.now()  # noqa: SLF001
    await verifier.verify(f"Bearer {forged(mine, 'RS256', 'mine')}")
    for missing in ("exp", "aud", "iss"):
        claims = {"iss": ISSUER, "aud": RESOURCE_ID, "iat": time.time(), "exp": time.time() + 300}
        del claims[missing]
        token = jwt.encode(claims, mine, algorithm="RS256", headers={"kid": "mine"})
        assert (await refusal(verifier, f"Bearer {token}")).status == 401, missing
    good = {"iss": ISSUER, "aud": RESOURCE_ID, "exp": time.time() + 300}
    await verifier.verify(f"Bearer {jwt.encode(good, mine, algorithm='RS256', headers={'kid': 'mine'})}")
    error = await refusal(verifier, f"Bearer {forged(mine, 'RS256', 'mine', iat=int(time.time()) + 120)}")
    assert "check the clocks" in str(error)


async def asked(world: World) -> int:
    """How often the keys were fetched."""
    requests = await world.acs("GET", f"/requests?host={ISSUER.removeprefix('https://')}")
    return sum(one["path"] == "/calling/keys" for one in requests)


async def test_a_flood_of_invented_key_names_causes_one_request_to_the_key_server(tokens):
    world, verifier, _ = tokens
    mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    before = await asked(world)
    for number in range(50):
        assert (await refusal(verifier, f"Bearer {forged(mine, 'RS256', f'made up {number}')}")).status == 401
    assert await asked(world) == before + 1


async def test_a_new_signing_key_is_fetched_and_known_keys_are_not_fetched_again(tokens):
    world, verifier, clock = tokens
    await verifier.verify(f"Bearer {await signed(world)}")
    before = await asked(world)
    await world.acs("POST", "/signing-keys")
    clock.forward(seconds=31)
    token = await signed(world)
    await verifier.verify(f"Bearer {token}")
    await verifier.verify(f"Bearer {token}")
    assert await asked(world) == before + 1
    clock.forward(hours=25)
    await verifier.verify(f"Bearer {token}")
    assert await asked(world) == before + 2


async def test_unavailable_signing_keys_answer_503_and_not_401(make_world: MakeWorld):
    world: World = await make_world(
        CALLBACK_AUDIENCE=RESOURCE_ID, CALLBACK_OPENID_URL=f"{ISSUER}/calling/.well-known/nothing"
    )
    verifier = CallbackTokens(world.gateways.signing_keys, MovableClock(), world.settings)
    error = await refusal(verifier, f"Bearer {await signed(world)}")
    assert (error.status, error.retry) == (503, True)
    length = len(traceback.extract_tb(error.__traceback__))
    for _ in range(3):
        again = await refusal(verifier, f"Bearer {await signed(world)}")
        assert len(traceback.extract_tb(again.__traceback__)) <= length, (
            "the error must not keep a traceback for each request"
        )


async def test_without_an_audience_callbacks_are_refused_and_the_answer_names_the_setting(world: World):
    answer = await world.commands.callbacks(b"[]", authorization="Bearer x", start_id=None, signature=None)
    assert answer.status == 403
    assert "CALLBACK_AUDIENCE" in json.loads(answer.body)["detail"]


@pytest.mark.parametrize(
    "configuration",
    [
        {"jwks_uri": "https://evil.example/keys"},
        {"jwks_uri": 7},
        {"jwks_uri": "https://[x"},
        [],
        {"jwks_uri": "http://{here}/keys"},
        {"jwks_uri": "x", "padding": "x" * 300_000},
    ],
)
async def test_signing_keys_are_accepted_from_acs_s_own_host_only(configuration: Any):
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(configuration)

    application = web.Application()
    application.router.add_get("/openid", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession() as http:
            address = f"http://127.0.0.1:{runner.addresses[0][1]}/openid"
            with pytest.raises(SourceError):
                await SigningKeys(http, address).fetch()
    finally:
        await runner.cleanup()
