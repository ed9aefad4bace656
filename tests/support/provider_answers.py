# SPDX-License-Identifier: GPL-3.0-only
"""What OpenAI, Anthropic, Gemini and Ollama answer, whole and streamed, in the smallest form that their clients accept."""
import json


def chat(request):
    body = json.loads(request.body or b"{}")
    message_of = {"role": "assistant", "content": "Hello", "refusal": None}
    finish = "stop"
    if body.get("tools"):
        message_of |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function":
                                                        {"name": body["tools"][0]["function"]["name"], "arguments": '{"city":"Köln"}'}}]}
        finish = "tool_calls"
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-2024-08-06", "choices": [
        {"index": 0, "message": message_of, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}}


def sse(data, event=None):
    text = data if isinstance(data, str) else json.dumps(data)
    return ((f"event: {event}\n" if event else "") + f"data: {text}\n\n").encode()


def chat_events(request):
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06"}
    usage = b'"include_usage":true' in request.body.replace(b" ", b"")
    more = {"usage": None} if usage else {}
    events = [sse(base | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]} | more)]
    events += [sse(base | {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]} | more)
               for word in ("Hel", "lo", " wörld")]
    events.append(sse(base | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]} | more))
    if usage:
        events.append(sse(base | {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}}))
    return events + [sse("[DONE]")]


def response(status):
    item = {"type": "message", "id": "msg_1", "status": status, "role": "assistant",
            "content": [{"type": "output_text", "text": "Hello", "annotations": []}]}
    return {"id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "gpt-4o-2024-08-06", "output": [item],
            "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True,
            "temperature": 1, "tool_choice": "auto", "tools": [], "top_p": 1,
            "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 4,
                      "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 13}}


def response_events():
    whole = response("completed")
    item = whole["output"][0]
    part = item["content"][0]
    where = {"output_index": 0, "item_id": "msg_1"}
    events = [("created", {"response": whole | {"status": "in_progress", "output": [], "usage": None}}),
              ("output_item.added", {"output_index": 0, "item": item | {"status": "in_progress", "content": []}}),
              ("content_part.added", where | {"content_index": 0, "part": part | {"text": ""}})]
    events += [("output_text.delta", where | {"content_index": 0, "delta": text, "logprobs": []}) for text in ("Hel", "lo")]
    events += [("output_text.done", where | {"content_index": 0, "text": "Hello", "logprobs": []}),
               ("content_part.done", where | {"content_index": 0, "part": part}),
               ("output_item.done", {"output_index": 0, "item": item}), ("completed", {"response": whole})]
    for number, (name, fields) in enumerate(events):
        yield sse({"type": f"response.{name}", "sequence_number": number} | fields, f"response.{name}")


def message(request):
    body = json.loads(request.body or b"{}")
    content = [{"type": "text", "text": "Hello"}]
    stop = "end_turn"
    if body.get("tools"):
        content = [{"type": "tool_use", "id": "toolu_1", "name": body["tools"][0]["name"], "input": {"city": "Köln"}}]
        stop = "tool_use"
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": content,
            "stop_reason": stop, "stop_sequence": None, "usage": {"input_tokens": 21, "output_tokens": 5}}


def message_events():
    start = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [], "stop_reason": None,
             "stop_sequence": None, "usage": {"input_tokens": 21, "output_tokens": 1}}
    yield sse({"type": "message_start", "message": start}, "message_start")
    yield sse({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, "content_block_start")
    yield sse({"type": "ping"}, "ping")
    for text in ("Hel", "lo"):
        yield sse({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}, "content_block_delta")
    yield sse({"type": "content_block_stop", "index": 0}, "content_block_stop")
    yield sse({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 5}},
              "message_delta")
    yield sse({"type": "message_stop"}, "message_stop")


def generated(text="Hi", last=True):
    """Gemini."""
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0} | ({"finishReason": "STOP"} if last else {})
    return {"candidates": [candidate], "modelVersion": "gemini-2.5-flash", "responseId": "r-1", "usageMetadata": {
        "promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8}}


def generated_events():
    return [sse(generated("H", False)).replace(b"\n", b"\r\n"), sse(generated("i")).replace(b"\n", b"\r\n")]


def embedded(request):
    """Gemini."""
    return {"embeddings": [{"values": [0.25, -0.5, 1.0]} for _ in json.loads(request.body)["requests"]]}


def ollama(request):
    """/api/chat: lines of JSON, or one."""
    base = {"model": "llama3.2", "created_at": "2026-01-31T12:00:00.000Z"}
    end = {"done": True, "done_reason": "stop", "total_duration": 9, "load_duration": 1, "prompt_eval_count": 13, "prompt_eval_duration": 2,
           "eval_count": 4, "eval_duration": 6}
    if json.loads(request.body).get("stream") is False:
        return [base | {"message": {"role": "assistant", "content": "Hello"}} | end]
    return [base | {"message": {"role": "assistant", "content": text}, "done": False} for text in ("Hel", "lo")] + [
        base | {"message": {"role": "assistant", "content": ""}} | end]
