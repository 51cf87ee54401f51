import time
def test_x(log, tlogcheck):
    print(log.verifier_keys[0], len(log.verifier_keys))
    print(log.checkpoint(257)[:300])
    t=time.time()
    v=tlogcheck("tiles", {"verifier_keys": log.verifier_keys, "url": log.url, "indexes":[0,255,256,599], "sizes":[1,255,256,257,512]})
    print(v, time.time()-t)
